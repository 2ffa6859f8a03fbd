"""A line and a classifier of a small table, by estimators and feature columns.

python -m labkit.compat.v1 estimators.py
"""

import tempfile

import numpy as np
import tensorflow as tf

# The line through four points of the other programs.
estimator = tf.estimator.LinearRegressor(
    feature_columns=[tf.feature_column.numeric_column("x", shape=[1])],
    optimizer=tf.train.GradientDescentOptimizer(learning_rate=0.1),
)
points = {"x": np.array([1.0, 2.0, 3.0, 4.0])}, np.array([0.0, -1.0, -2.0, -3.0])
train = tf.estimator.inputs.numpy_input_fn(*points, batch_size=4, num_epochs=None, shuffle=True)
look = tf.estimator.inputs.numpy_input_fn(*points, batch_size=4, num_epochs=1, shuffle=False)
estimator.train(input_fn=train, steps=1000)
print("loss:", estimator.evaluate(input_fn=look)["loss"])
print("W:", estimator.get_variable_value("linear/linear_model/x/weights")[0])
print("b:", estimator.get_variable_value("linear/linear_model/bias_weights"))
print("predictions:", [round(float(row["predictions"][0]), 2) for row in estimator.predict(input_fn=look)])

# Who may vote? The age decides, but not in every country alike.
rng = np.random.RandomState(0)
age, country = rng.randint(10, 30, 500), rng.choice(["here", "there"], 500)
votes = (age >= np.where(country == "here", 16, 21)).astype(int)
ages = tf.feature_column.bucketized_column(tf.feature_column.numeric_column("age"), boundaries=list(range(11, 30)))
countries = tf.feature_column.categorical_column_with_vocabulary_list("country", ["here", "there"], dtype=tf.string)
crossed = tf.feature_column.crossed_column([ages, countries], hash_bucket_size=1000)
table = {"age": age, "country": country}
classifier = tf.estimator.LinearClassifier([crossed], model_dir=tempfile.mkdtemp(), n_classes=2)
classifier.train(tf.estimator.inputs.numpy_input_fn(table, votes, batch_size=50, num_epochs=30, shuffle=True))
result = classifier.evaluate(tf.estimator.inputs.numpy_input_fn(table, votes, shuffle=False))
print("accuracy:", result["accuracy"])
print("steps:", result["global_step"])
