"""What `detect_anomaly` stands on: what is looked at, and what is said.

`context` knows whether somebody looks, `watch` looks; `report` writes the message of what was
`found`, and asks `reasons` why. These last load when there is something to tell.
"""
