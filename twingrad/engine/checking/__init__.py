"""What gradcheck and check_op stand on: readings of slopes, and the reasons why they disagree.

`readings` holds claimed slopes against finite differences, `operations` does so for each
operation of a graph; `suspects`, `uses` and `behaviour` find the mistake behind a disagreement.
"""
