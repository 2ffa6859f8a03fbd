"""A network is trained and saved by one process, and restored by another that knows nothing but its names.

python -m labkit.compat.v1 saved_network.py train [--folder FOLDER] [--steps N]
python -m labkit.compat.v1 saved_network.py test [--folder FOLDER]
python -m labkit.compat.v1 saved_network.py resume [--folder FOLDER] [--steps N]
"""

import argparse

import numpy as np
import tensorflow as tf

parser = argparse.ArgumentParser()
parser.add_argument("task", choices=["train", "test", "resume"])
parser.add_argument("--folder", default="checkpoints")
parser.add_argument("--steps", type=int, default=300)
options = parser.parse_args()

# Points inside a ring and outside of it.
random = np.random.RandomState(1)
points = random.uniform(-1, 1, size=(600, 2))
inside = (np.square(points).sum(axis=1) < 0.5).astype(np.int64)
train_points, train_inside = points[:500], inside[:500]
test_points, test_inside = points[500:], inside[500:]


def build():
    x = tf.placeholder(tf.float32, [None, 2], name="input")
    y = tf.placeholder(tf.int64, [None], name="labels")
    W1 = tf.Variable(tf.truncated_normal([2, 32], stddev=0.7, seed=1), name="layer1_weights")
    b1 = tf.Variable(tf.zeros([32]), name="layer1_bias")
    W2 = tf.Variable(tf.truncated_normal([32, 2], stddev=0.2, seed=2), name="layer2_weights")
    b2 = tf.Variable(tf.zeros([2]), name="layer2_bias")
    hidden = tf.nn.relu(tf.matmul(x, W1) + b1)
    logits = tf.matmul(hidden, W2) + b2
    cost = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(logits=logits, labels=y), name="cost")
    step = tf.Variable(0, trainable=False, name="global_step")
    tf.train.AdamOptimizer(0.01).minimize(cost, global_step=step, name="train")
    predictions = tf.nn.softmax(logits, name="predictions")
    correct = tf.equal(tf.argmax(predictions, 1), y)
    tf.reduce_mean(tf.cast(correct, tf.float32), name="accuracy")


def learn(session, saver, steps):
    # The saving post gives global_step the loop's own number; a variable goes on counting after a restart.
    for _ in range(steps):
        session.run("train", {"input:0": train_points, "labels:0": train_inside})
        step = session.run("global_step:0")
        if step % 100 == 0:
            save_path = saver.save(session, options.folder + "/network.ckpt", global_step=step)
            print("saved: %s" % save_path)


def show(session):
    accuracy, cost = session.run(["accuracy:0", "cost:0"], {"input:0": test_points, "labels:0": test_inside})
    print("accuracy: %.6f cost: %.9g" % (accuracy, cost))


if options.task == "train":
    build()
    saver = tf.train.Saver(max_to_keep=2)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        learn(session, saver, options.steps)
        show(session)
else:
    latest = tf.train.latest_checkpoint(options.folder)
    saver = tf.train.import_meta_graph(latest + ".meta")
    with tf.Session() as session:
        saver.restore(session, latest)
        print("restored: %s" % latest)
        if options.task == "resume":
            state = tf.train.get_checkpoint_state(options.folder)
            saver.recover_last_checkpoints(state.all_model_checkpoint_paths)
            learn(session, saver, options.steps)
        show(session)
