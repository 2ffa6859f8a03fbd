"""Two convolutions of 5x5 and two dense layers with dropout on MNIST, trained by Adam.

python -m labkit.compat.v1 conv_mnist.py [--data FOLDER] [--steps N] [--display N] [--examples N] [--seed N]
"""

import argparse

import numpy as np
import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data

parser = argparse.ArgumentParser()
parser.add_argument("--data", default="MNIST_data")
parser.add_argument("--steps", type=int, default=400)
parser.add_argument("--display", type=int, default=100, help="steps between two evaluations")
parser.add_argument("--examples", type=int, default=10000, help="test examples of an evaluation")
parser.add_argument("--seed", type=int, default=0)
options = parser.parse_args()

np.random.seed(options.seed)
tf.set_random_seed(options.seed)
mnist = input_data.read_data_sets(options.data, one_hot=True)

PIXELS = 784
CLASSES = 10
x = tf.placeholder(tf.float32, [None, PIXELS])
y_exp = tf.placeholder(tf.float32, [None, CLASSES])
keep_prob = tf.placeholder(tf.float32)  # 0.5 to learn, 1.0 to evaluate
images = tf.reshape(x, shape=[-1, 28, 28, 1])


def start(shape):
    # The slides draw with standard deviation 1: the first losses are in the millions and cost thousands of steps.
    return tf.Variable(tf.random_normal(shape, stddev=0.1))


F1, b1 = start([5, 5, 1, 32]), start([32])
h1 = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(images, F1, strides=[1, 1, 1, 1], padding="SAME"), b1))
h2 = tf.nn.max_pool(h1, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")

F3, b3 = start([5, 5, 32, 64]), start([64])
h3 = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(h2, F3, strides=[1, 1, 1, 1], padding="SAME"), b3))
h4 = tf.nn.max_pool(h3, ksize=[1, 2, 2, 1], strides=[1, 2, 2, 1], padding="SAME")

rows, columns, channels = h4.get_shape().as_list()[1:]
h4_vectors = tf.reshape(h4, [-1, rows * columns * channels])
W5, b5 = start([7 * 7 * 64, 1024]), start([1024])
h5 = tf.nn.relu(tf.add(tf.matmul(h4_vectors, W5), b5))
h5 = tf.nn.dropout(h5, keep_prob)
W6, b6 = start([1024, CLASSES]), start([CLASSES])
y_pred = tf.add(tf.matmul(h5, W6), b6)

loss = tf.reduce_mean(tf.nn.softmax_cross_entropy_with_logits(logits=y_pred, labels=y_exp))
optimizer = tf.train.AdamOptimizer(learning_rate=0.001).minimize(loss)

is_correct = tf.equal(tf.argmax(y_pred, 1), tf.argmax(y_exp, 1))
accuracy = tf.reduce_mean(tf.cast(is_correct, tf.float32))

sess = tf.InteractiveSession()
tf.global_variables_initializer().run()

test = {x: mnist.test.images[: options.examples], y_exp: mnist.test.labels[: options.examples], keep_prob: 1.0}
step = 1
while step <= options.steps:
    batch_x, batch_y = mnist.train.next_batch(128)
    sess.run(optimizer, feed_dict={x: batch_x, y_exp: batch_y, keep_prob: 0.5})
    if step % options.display == 0:
        # The slide fetches [accuracy], prints the list, and closes a bracket too many.
        value = sess.run(accuracy, feed_dict=test)
        print("step %d: accuracy %.4f" % (step, value))
    step += 1
print("accuracy: %.4f" % sess.run(accuracy, feed_dict=test))
