"""A network 2-20-1 learns a function of two coordinates; afterwards it is drawn with NumPy alone.

python -m labkit.compat.v1 two_layer_network.py [--steps N] [--eta X] [--seed N]
"""

import argparse

import numpy as np
import tensorflow as tf

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=10000)
parser.add_argument("--eta", type=float, default=1e-3, help="step size; 0.05 learns in a tenth of the steps")
parser.add_argument("--seed", type=int, default=0)
options = parser.parse_args()
np.random.seed(options.seed)


def waves(x1, x2):
    return np.sin(np.pi * x1 / 2.0) * np.cos(np.pi * x2 / 4.0)


REACH = 2.0
SAMPLES = 1000
# The slide asks np.random.uniform for a `shape`; NumPy calls it `size`.
X_train = np.random.uniform(-REACH, +REACH, size=(SAMPLES, 2))
Y_train = np.zeros(shape=(SAMPLES, 1))
for i in range(SAMPLES):
    Y_train[i] = [waves(X_train[i][0], X_train[i][1])]

HIDDEN = 20
tf.reset_default_graph()
tf.set_random_seed(options.seed)
session = tf.InteractiveSession()

with tf.variable_scope("Input"):
    x = tf.placeholder(tf.float32, shape=[None, 2])
with tf.variable_scope("HiddenLayer"):
    W1 = tf.Variable(tf.truncated_normal([2, HIDDEN], stddev=np.sqrt(6 / (2 + HIDDEN))))
    b1 = tf.Variable(tf.zeros([HIDDEN]))
    h1 = tf.nn.relu(tf.add(tf.matmul(x, W1), b1))
with tf.variable_scope("OutputLayer"):
    W2 = tf.Variable(tf.truncated_normal([HIDDEN, 1], stddev=np.sqrt(6 / (HIDDEN + 1))))
    b2 = tf.Variable(tf.constant(0.0))
    h2 = tf.add(tf.matmul(h1, W2), b2)
with tf.variable_scope("Output"):
    y = tf.placeholder(tf.float32, [None, 1])
with tf.variable_scope("Loss"):
    loss = tf.reduce_mean(tf.square(h2 - y))

one_step = tf.train.GradientDescentOptimizer(options.eta).minimize(loss)
session.run(tf.global_variables_initializer())

everything = {x: X_train, y: Y_train}
for i in range(options.steps):
    chosen = np.random.permutation(X_train.shape[0])[:10]
    one_step.run(feed_dict={x: X_train[chosen], y: Y_train[chosen]})
    if i % 1000 == 0:
        [current] = session.run([loss], everything)
        print("step %d: %.4f" % (i, current))

[w1, c1, w2, c2, final] = session.run([W1, b1, W2, b2, loss], everything)


def draw(width, height):
    """Evaluates the network on a grid by matrices of NumPy, without the session."""
    w1_matrix, w2_matrix = np.asmatrix(w1), np.asmatrix(w2)
    picture = np.empty((height, width))
    for i in range(width):
        for j in range(height):
            point = [REACH * (i - width / 2.0) / (width / 2.0), REACH * (j - height / 2.0) / (height / 2.0)]
            hidden = np.maximum(point * w1_matrix + c1, 0.0)
            picture[j, i] = (hidden * w2_matrix + c2)[0, 0]
    return picture


picture = draw(20, 20)
grid = [[REACH * (i - 10) / 10.0, REACH * (j - 10) / 10.0] for j in range(20) for i in range(20)]
by_session = h2.eval({x: grid}).reshape(20, 20)
print("loss: %.6f" % final)
print("largest difference of the two drawings: %.2e" % np.abs(picture - by_session).max())
session.close()
