#!/bin/sh
# A real TensorBoard, for this host alone.
# host: services
# lib: tensorboard
tensorboard --host 127.0.0.1
