"""Release jobs as an agent does them: what somebody asks, the calls, and what Capgo must hold at the end.

No model takes part. The scripts show that each job can be done in a few calls whose answers say what is so.
"""
