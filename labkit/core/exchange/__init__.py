"""Graphs as plain data: described, written as text, read, and built again beside other graphs.

graph_def.py  GraphDef, the description, and how it is printed
exporting.py  graph -> GraphDef
text.py       GraphDef <-> JSON
importing.py  GraphDef -> operations of the default graph, all or none; by these three:
order.py      which node is built after which
rename.py     the names and scopes that nodes get
build.py      the operations, checked, beside the graph until they are committed
"""
