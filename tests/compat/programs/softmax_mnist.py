"""Softmax regression on MNIST, with the columns of its weights shown as images while it learns.

python -m labkit.compat.v1 softmax_mnist.py [--data FOLDER] [--steps N] [--logdir FOLDER]
"""

import argparse

import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data

parser = argparse.ArgumentParser()
parser.add_argument("--data", default="MNIST_data")
parser.add_argument("--steps", type=int, default=1000)
parser.add_argument("--logdir", default="logs/softmax")
options = parser.parse_args()

mnist = input_data.read_data_sets(options.data, one_hot=True)
first = mnist.train.images[0].reshape(28, 28)  # the slide reshapes `tmp`, a name it never made
print("first image: %s, ink %.1f, label %s" % (first.shape, first.sum(), mnist.train.labels[0].argmax()))

PIXELS = 784
CLASSES = 10
x = tf.placeholder(tf.float32, [None, PIXELS])
y_exp = tf.placeholder(tf.float32, [None, CLASSES])  # the slides use it before they make it
W = tf.Variable(tf.zeros([PIXELS, CLASSES]))
b = tf.Variable(tf.zeros([CLASSES]))
y_pred = tf.nn.softmax(tf.add(tf.matmul(x, W), b))
cross_entropy = tf.reduce_mean(-tf.reduce_sum(y_exp * tf.log(y_pred), reduction_indices=[1]))


def display_weights(weights):
    """Columns of the weights as grey images [classes, 28, 28, 1]; the body of the slide's function is lost."""
    lowest, highest = tf.reduce_min(weights), tf.reduce_max(weights)
    grey = (weights - lowest) / (highest - lowest + 1e-9)
    return tf.reshape(tf.transpose(grey), [CLASSES, 28, 28, 1])


with tf.name_scope("weights"):
    tf.summary.image("columns", display_weights(W), max_outputs=CLASSES)
tf.summary.scalar("cross entropy", cross_entropy)
merged = tf.summary.merge_all()

train_step = tf.train.GradientDescentOptimizer(0.5).minimize(cross_entropy)
sess = tf.InteractiveSession()
tf.global_variables_initializer().run()
writer = tf.summary.FileWriter(options.logdir, sess.graph)

for step in range(options.steps):
    batch_xs, batch_ys = mnist.train.next_batch(100)
    feed = {x: batch_xs, y_exp: batch_ys}
    if step % 100 == 0:
        summary, _ = sess.run([merged, train_step], feed_dict=feed)
        writer.add_summary(summary, step)
    else:
        sess.run(train_step, feed_dict=feed)
writer.close()

correct_prediction = tf.equal(tf.argmax(y_pred, 1), tf.argmax(y_exp, 1))
accuracy = tf.reduce_mean(tf.cast(correct_prediction, tf.float32))
print("accuracy: %.4f" % sess.run(accuracy, feed_dict={x: mnist.test.images, y_exp: mnist.test.labels}))

weights = W.eval(sess)
print("zero's weights: %s" % (weights.flatten()[0::10].reshape((28, 28)).shape,))
