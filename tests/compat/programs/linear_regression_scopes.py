"""The line again, with its nodes grouped by scopes and the graph written for TensorBoard.

python -m labkit.compat.v1 linear_regression_scopes.py [--steps N] [--logdir FOLDER]
"""

import argparse

import tensorflow as tf

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=1000)
parser.add_argument("--logdir", default="logs/line")
options = parser.parse_args()

with tf.variable_scope("slope"):
    W = tf.Variable([0.3], tf.float32)
with tf.variable_scope("offset"):
    b = tf.Variable([-0.3], tf.float32)  # the slide's `-_.3` is no number

with tf.variable_scope("data"):
    x = tf.placeholder(tf.float32, name="x")  # the slide says tf.float, which there never was
    y = tf.placeholder(tf.float32, name="y")
with tf.variable_scope("line"):
    line = tf.add(W * x, b)
with tf.variable_scope("error"):
    loss = tf.reduce_sum(tf.square(line - y))

with tf.name_scope("training"):
    step = tf.train.GradientDescentOptimizer(0.01).minimize(loss)

points = {x: [1, 2, 3, 4], y: [0, -1, -2, -3]}
with tf.Session() as sess:
    writer = tf.summary.FileWriter(options.logdir, sess.graph)
    sess.run(tf.global_variables_initializer())
    for _ in range(options.steps):
        sess.run(step, points)
    final_W, final_b, final_loss = sess.run([W, b, loss], points)
    writer.close()

for node in (W, b, x, y, line, loss):
    print(node.name)
print(step.name)
print("W: %s b: %s loss: %s" % (final_W, final_b, final_loss))
