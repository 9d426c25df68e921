# SPDX-License-Identifier: Apache-2.0
"""One inference of another engine for each line of standard input: the counterpart of an inference program's
`bench --paced --json`.

Usage: infer_worker.py '{"engine": ENGINE, "model": NAME, "size": S, "batch": N, "threads": T, "onnx": PATH}'
ENGINE is eager or compile (PyTorch, channels_last, the model of timm), onnxruntime or openvino (the ONNX file PATH), or
export, which writes that file and ends. All compute in f32: an engine that would take bf16 where the processor has it is
told not to.
"""
import importlib.metadata
import inspect
import json
import resource
import sys
import time

import numpy


def make_model(task):
    import timm
    import torch
    torch.manual_seed(0)
    torch.set_num_threads(task["threads"])
    return torch, timm.create_model(task["model"]).eval()


def export(task):
    torch, model = make_model(task)
    # The exporter that needs no package besides PyTorch, where there is a choice.
    chosen = {"dynamo": False} if "dynamo" in inspect.signature(torch.onnx.export).parameters else {}
    torch.onnx.export(model, torch.zeros(task["batch"], 3, task["size"], task["size"]), task["onnx"],
                      input_names=["images"], output_names=["scores"], **chosen)
    return {"parameters": sum(p.numel() for p in model.parameters())}


def with_torch(task, images):
    torch, model = make_model(task)
    model = model.to(memory_format=torch.channels_last)
    images = torch.from_numpy(images).to(memory_format=torch.channels_last)
    if task["engine"] == "compile":
        import torch._inductor.config
        torch._inductor.config.freezing = True
        model = torch.compile(model)

    def infer():
        with torch.inference_mode() if task["engine"] == "eager" else torch.no_grad():
            model(images)
    return infer, ["torch", "timm"]


def with_onnxruntime(task, images):
    import onnxruntime
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = task["threads"], 1
    session = onnxruntime.InferenceSession(task["onnx"], options, providers=["CPUExecutionProvider"])
    return lambda: session.run(None, {"images": images}), ["onnxruntime"]


def with_openvino(task, images):
    import openvino
    model = openvino.Core().compile_model(task["onnx"], "CPU", {
        "INFERENCE_NUM_THREADS": task["threads"], "PERFORMANCE_HINT": "LATENCY", "INFERENCE_PRECISION_HINT": "f32"})
    request = model.create_infer_request()
    return lambda: request.infer({0: images}), ["openvino"]


ENGINES = {"eager": with_torch, "compile": with_torch, "onnxruntime": with_onnxruntime, "openvino": with_openvino}


def main():
    task = json.loads(sys.argv[1])
    if task["engine"] == "export":
        print(json.dumps(export(task)), flush=True)
        return
    images = numpy.random.default_rng(0).standard_normal((task["batch"], 3, task["size"], task["size"]),
                                                         dtype=numpy.float32)
    infer, packages = ENGINES[task["engine"]](task, images)

    def step(number):
        start = time.perf_counter()
        infer()
        print(json.dumps({"step": number, "step_ms": 1e3 * (time.perf_counter() - start)}), flush=True)

    step(0)
    for number, _ in enumerate(sys.stdin, 1):
        step(number)
    print(json.dumps({"peak_resident_bytes": 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss,
                      "versions": {name: importlib.metadata.version(name) for name in packages}}), flush=True)


if __name__ == "__main__":
    main()
