"""Running a graph: sessions, what goes in and out of a run, and the run itself.

session.py, interactive_session.py, session_stack.py   what programs hold, and which one `eval()` means
fetches.py, feeds.py      what a run is asked for, and what it is given
run_options.py, run_metadata.py, explain_plan.py   what is asked and told about runs
cells.py                  the values of variables and random counters
runner.py                 plans for (fetches, fed tensors), kept
staging.py, hosted.py     native plans with Python functions between them, or in loops and branches
stepping.py               many steps in one call
failures.py               what the compiled core's errors mean to a user
"""
