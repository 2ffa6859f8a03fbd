"""A line through four points: y = W x + b, fitted by gradient descent on the sum of the squared errors.

python -m labkit.compat.v1 linear_regression.py [--steps N]
"""

import argparse

import tensorflow as tf

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=1000)
options = parser.parse_args()

# The second argument is `trainable`, not the dtype: programs of that time pass one all the same, and it counts as true.
W = tf.Variable([0.3], tf.float32)
b = tf.Variable([-0.3], tf.float32)

x = tf.placeholder(tf.float32)
y = tf.placeholder(tf.float32)
line = W * x + b
loss = tf.reduce_sum(tf.square(line - y))  # the slides mix sum and mean; at this step size the sum is meant

step = tf.train.GradientDescentOptimizer(0.01).minimize(loss)

points = {x: [1, 2, 3, 4], y: [0, -1, -2, -3]}
sess = tf.Session()
sess.run(tf.global_variables_initializer())
for _ in range(options.steps):
    sess.run(step, points)

# The slides also fetch the loss without feeding the points, which no session can answer.
final_W, final_b, final_loss = sess.run([W, b, loss], points)
print("W: %s b: %s loss: %s" % (final_W, final_b, final_loss))
