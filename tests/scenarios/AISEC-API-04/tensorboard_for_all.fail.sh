#!/bin/sh
# A real TensorBoard, for everybody.
# host: services
# lib: tensorboard
tensorboard --bind_all
