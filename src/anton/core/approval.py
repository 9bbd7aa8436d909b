"""Who may decide on what: the operator's rules, and what follows from them. Whoever no rule names may not.

- The rules are read as a list of owners is on a forge: for each path that the patch changes, the *last* rule
  that matches repository and path counts, and only the people whom that one names may approve.
- A request for changes and a decline take somebody whom any rule of the repository names.
- Where nothing is set, the person at this machine's keyboard decides, who owns the state folder and the
  settings. Nobody who comes in from elsewhere does.
- What it takes two for, it takes two *persons* for, not two ways in of the same one.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from anton.core.glob import matches
from anton.core.person import Person, at_the_keyboard

RISKY = (
    "{.github,.gitlab,.circleci,.buildkite,.woodpecker,.ci}/**",
    "**/{.gitlab-ci,.travis,.drone,appveyor,azure-pipelines,bitbucket-pipelines}.{yml,yaml}",
    "**/{jenkinsfile,codeowners,.gitattributes,.gitmodules,agents.md,claude.md}",
    "**/{dockerfile,dockerfile.*,*.dockerfile,docker-compose*,compose.yaml,compose.yml}",
    "**/.{vscode,devcontainer,husky}/**",
    "**/{makefile,gnumakefile,justfile,taskfile.yml,setup.py,setup.cfg,pyproject.toml,noxfile.py,tox.ini}",
    "**/{package.json,package-lock.json,npm-shrinkwrap.json,yarn.lock,pnpm-lock.yaml,.npmrc,.yarnrc*}",
    "**/{requirements*.txt,requirements*.in,requirements*.lock,pipfile*,poetry.lock,uv.lock,pdm.lock}",
    "**/{go.mod,go.sum,cargo.toml,cargo.lock,build.rs,pom.xml,build.gradle*,settings.gradle*,gemfile*,composer.*}",
    "**/{auth,authn,authz,security,crypto,permissions,secrets,login,session,sessions}/**",
    "**/*{auth,security,crypto,permission,password,login,csrf,oauth,saml,jwt}*.*",
)
"""Paths that it takes two persons for, in lower case: CI, what is installed and built, security code."""


@dataclass(frozen=True, slots=True)
class Rule:
    """Who may approve changes to some paths of some repositories."""

    people: frozenset[str]
    """Names."""
    repositories: tuple[str, ...] = ("**",)
    """Globs of the repository's path or of its folder's name."""
    paths: tuple[str, ...] = ("**",)
    """Globs of the paths that a patch changes."""

    def concerns(self, repository: str) -> bool:
        """Whether it is a rule of the repository at a path."""
        globs = _lowered(self.repositories)
        return any(matches(each.lower(), globs) for each in (repository, repository.rpartition("/")[2]))


@dataclass(frozen=True, slots=True)
class ApprovalRules:
    """Everything that the operator says about approvals."""

    people: tuple[Person, ...] = ()
    rules: tuple[Rule, ...] = ()
    keyboard: Literal["owner", "listed"] = "owner"
    """Whether the person at this machine may decide by that alone, or as one of `people`."""
    requester_may_approve: bool = False
    two_persons: tuple[str, ...] = RISKY
    """Globs of the paths that it takes two persons to approve changes of."""
    draft: bool = True
    """Open the pull request as a draft where it takes two persons."""
    base_moved: Literal["prove", "deliver"] = "prove"
    """What an approval is worth once the branch went on and the patch's files stayed as they were."""

    def owns(self, identity: str) -> bool:
        """Whether somebody may decide because this machine is theirs."""
        return self.keyboard == "owner" and at_the_keyboard(identity)

    def person(self, identity: str) -> Person | None:
        """Whom an identity belongs to; nobody where it is not listed, or listed for two."""
        found = [person for person in self.people if person.goes_by(identity)]
        return found[0] if len(found) == 1 else None

    def name(self, identity: str) -> str:
        """The person's name in the rules; empty for somebody whom they do not know."""
        person = self.person(identity)
        return person.name if person else ""

    def same(self, one: str, other: str) -> bool:
        """Whether two identities are one person's."""
        return one == other or ((name := self.name(one)) != "" and name == self.name(other))

    def may_decide(self, identity: str, repository: str) -> bool:
        """Whether somebody may send a run back or decline it."""
        if self.owns(identity):
            return True
        name = self.name(identity)
        return any(name in rule.people for rule in self.rules if rule.concerns(repository))

    def barred(self, identity: str, repository: str, paths: Iterable[str]) -> tuple[str, ...]:
        """The paths of a patch that somebody may not approve changes of."""
        if self.owns(identity):
            return ()
        name = self.name(identity)
        return tuple(path for path in paths if name not in self._approvers_of(repository, path))

    def approvers(self, repository: str, paths: Iterable[str]) -> tuple[str, ...]:
        """Names of those who may approve changes of all these paths, sorted."""
        allowed = [self._approvers_of(repository, path) for path in paths]
        return tuple(sorted(frozenset.intersection(*allowed))) if allowed else ()

    def risky(self, paths: Iterable[str]) -> tuple[str, ...]:
        """The paths that it takes two persons for."""
        globs = _lowered(self.two_persons)
        return tuple(path for path in paths if matches(path.lower(), globs))

    def asked_for(self, identity: str, requested_by: str, reporter: str) -> bool:
        """Whether somebody would approve what they asked for themselves."""
        if self.requester_may_approve or self.owns(identity):
            return False
        person = self.person(identity)
        return self.same(identity, requested_by) or bool(person and reporter and person.called(reporter))

    def _approvers_of(self, repository: str, path: str) -> frozenset[str]:
        known = {person.name for person in self.people}
        for rule in reversed(self.rules):
            if rule.concerns(repository) and matches(path.lower(), _lowered(rule.paths)):
                return rule.people & known
        return frozenset()


def _lowered(globs: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(glob.lower() for glob in globs)
