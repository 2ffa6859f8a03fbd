"""Registers the built-in layers."""

from __future__ import annotations

from collections.abc import Iterator

from labkit.plugins import Component, hookimpl


@hookimpl
def labkit_layers() -> Iterator[Component]:
    yield Component("Input", "labkit.layers.input:Input", aliases=("input",))
    yield Component("InputLayer", "labkit.layers.input:Input")
    yield Component("Dense", "labkit.layers.dense:Dense", aliases=("dense",))
    yield Component("Conv2D", "labkit.layers.conv:Conv2D", aliases=("conv2d",))
    yield Component("Conv1D", "labkit.layers.conv:Conv1D", aliases=("conv1d",))
    yield Component("DepthwiseConv2D", "labkit.layers.depthwise:DepthwiseConv2D", aliases=("depthwise_conv2d",))
    yield Component("Conv1DTranspose", "labkit.layers.conv_transpose:Conv1DTranspose", aliases=("conv1d_transpose",))
    yield Component("Conv2DTranspose", "labkit.layers.conv_transpose:Conv2DTranspose", aliases=("conv2d_transpose",))
    yield Component(
        "LayerNormalization", "labkit.layers.layer_norm:LayerNormalization", aliases=("layer_normalization",)
    )
    yield Component("Embedding", "labkit.layers.embedding:Embedding", aliases=("embedding",))
    yield Component("MaxPool2D", "labkit.layers.pooling:MaxPool2D", aliases=("max_pool2d",))
    yield Component("MaxPooling2D", "labkit.layers.pooling:MaxPool2D", aliases=("max_pooling2d",))
    yield Component("AveragePooling2D", "labkit.layers.pooling:AveragePooling2D", aliases=("average_pooling2d",))
    yield Component("AvgPool2D", "labkit.layers.pooling:AveragePooling2D", aliases=("avg_pool2d",))
    yield Component("MaxPooling1D", "labkit.layers.pooling:MaxPooling1D", aliases=("max_pooling1d",))
    yield Component("MaxPool1D", "labkit.layers.pooling:MaxPooling1D", aliases=("max_pool1d",))
    yield Component("AveragePooling1D", "labkit.layers.pooling:AveragePooling1D", aliases=("average_pooling1d",))
    yield Component("AvgPool1D", "labkit.layers.pooling:AveragePooling1D", aliases=("avg_pool1d",))
    yield Component("GlobalMaxPooling1D", "labkit.layers.pooling:GlobalMaxPooling1D", aliases=("global_max_pooling1d",))
    yield Component("GlobalMaxPool1D", "labkit.layers.pooling:GlobalMaxPooling1D", aliases=("global_max_pool1d",))
    yield Component("GlobalMaxPooling2D", "labkit.layers.pooling:GlobalMaxPooling2D", aliases=("global_max_pooling2d",))
    yield Component("GlobalMaxPool2D", "labkit.layers.pooling:GlobalMaxPooling2D", aliases=("global_max_pool2d",))
    yield Component(
        "GlobalAveragePooling1D", "labkit.layers.pooling:GlobalAveragePooling1D", aliases=("global_average_pooling1d",)
    )
    yield Component("GlobalAvgPool1D", "labkit.layers.pooling:GlobalAveragePooling1D", aliases=("global_avg_pool1d",))
    yield Component(
        "GlobalAveragePooling2D", "labkit.layers.pooling:GlobalAveragePooling2D", aliases=("global_average_pooling2d",)
    )
    yield Component("GlobalAvgPool2D", "labkit.layers.pooling:GlobalAveragePooling2D", aliases=("global_avg_pool2d",))
    yield Component("Flatten", "labkit.layers.flatten:Flatten", aliases=("flatten",))
    yield Component("Reshape", "labkit.layers.reshaping:Reshape", aliases=("reshape",))
    yield Component("Permute", "labkit.layers.reshaping:Permute", aliases=("permute",))
    yield Component("RepeatVector", "labkit.layers.reshaping:RepeatVector", aliases=("repeat_vector",))
    yield Component("Activation", "labkit.layers.activation:Activation", aliases=("activation",))
    yield Component("ReLU", "labkit.layers.activation:ReLU", aliases=("re_lu",))
    yield Component("LeakyReLU", "labkit.layers.activation:LeakyReLU", aliases=("leaky_re_lu",))
    yield Component("ELU", "labkit.layers.activation:ELU", aliases=("elu",))
    yield Component("GELU", "labkit.layers.activation:GELU", aliases=("gelu",))
    yield Component("Softplus", "labkit.layers.activation:Softplus", aliases=("softplus",))
    yield Component("Softmax", "labkit.layers.activation:Softmax", aliases=("softmax",))
    yield Component("PReLU", "labkit.layers.prelu:PReLU", aliases=("p_re_lu",))
    yield Component("Dropout", "labkit.layers.dropout:Dropout", aliases=("dropout",))
    yield Component("SpatialDropout1D", "labkit.layers.dropout:SpatialDropout1D", aliases=("spatial_dropout1d",))
    yield Component("SpatialDropout2D", "labkit.layers.dropout:SpatialDropout2D", aliases=("spatial_dropout2d",))
    yield Component("GaussianNoise", "labkit.layers.noise:GaussianNoise", aliases=("gaussian_noise",))
    yield Component("GaussianDropout", "labkit.layers.noise:GaussianDropout", aliases=("gaussian_dropout",))
    yield Component("PadToSize", "labkit.layers.padding:PadToSize", aliases=("pad_to_size",))
    yield Component("ZeroPadding1D", "labkit.layers.padding:ZeroPadding1D", aliases=("zero_padding1d",))
    yield Component("ZeroPadding2D", "labkit.layers.padding:ZeroPadding2D", aliases=("zero_padding2d",))
    yield Component("Cropping1D", "labkit.layers.padding:Cropping1D", aliases=("cropping1d",))
    yield Component("Cropping2D", "labkit.layers.padding:Cropping2D", aliases=("cropping2d",))
    yield Component("UpSampling1D", "labkit.layers.upsampling:UpSampling1D", aliases=("up_sampling1d",))
    yield Component("UpSampling2D", "labkit.layers.upsampling:UpSampling2D", aliases=("up_sampling2d",))
    yield Component("Rescaling", "labkit.layers.rescaling:Rescaling", aliases=("rescaling",))
    yield Component("RandomFlip", "labkit.layers.image_places:RandomFlip", aliases=("random_flip",))
    yield Component("RandomRotation", "labkit.layers.image_places:RandomRotation", aliases=("random_rotation",))
    yield Component(
        "RandomTranslation", "labkit.layers.image_places:RandomTranslation", aliases=("random_translation",)
    )
    yield Component("RandomZoom", "labkit.layers.image_places:RandomZoom", aliases=("random_zoom",))
    yield Component("RandomCrop", "labkit.layers.image_places:RandomCrop", aliases=("random_crop",))
    yield Component("RandomBrightness", "labkit.layers.image_colors:RandomBrightness", aliases=("random_brightness",))
    yield Component("RandomContrast", "labkit.layers.image_colors:RandomContrast", aliases=("random_contrast",))
