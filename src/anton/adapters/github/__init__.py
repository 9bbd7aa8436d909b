"""What the adapters of GitHub share: the place, the credential, and the calls."""
