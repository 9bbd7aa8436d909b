"""The guard against cheating: compares a patch with its base and names what makes a proof worthless.

| file            | what it reads                                                        |
|-----------------|----------------------------------------------------------------------|
| `guard.py`      | the patch: which rule reads which file, and who is to blame          |
| `parsing.py`    | outsiders' Python, bounded                                           |
| `syntax.py`     | names, definitions, and the statements of a test that can be reached |
| `claims.py`     | what a test asserts, and whether one assertion is weaker than another |
| `existing.py`   | tests that were there before: removed, skipped, emptied, loosened    |
| `fresh.py`      | new tests: that they check anything at all                           |
| `replaced.py`   | tests that replace, or read the text of, the code under repair       |
| `runner.py`     | tests that reach for the runner, the interpreter or the report       |
| `fix.py`        | source: swallows the failure, drops a check, leaves early            |
| `detection.py`  | source: asks whether it is being tested                              |
| `reach.py`      | source: runs at exit, reaches for the report, the runner or its objects |
| `special.py`    | source: answers a test's input with the test's answer                |
| `text.py`       | JavaScript, Go, Java and others, by lines and tokens                 |

No model takes part. A rule names only what an honest patch does not contain; what is merely unusual is left
to the outcomes (`core.verdict`), to mutants and to the person who reads the diff.
"""
