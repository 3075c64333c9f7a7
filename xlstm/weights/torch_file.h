// Checkpoints of PyTorch: torch.save's ZIP archives (.pt, .pth, .bin, .ckpt, .th).
#pragma once

#include <filesystem>
#include <memory>

#include "xlstm/weights/tensor_source.h"
#include "xlstm/weights/zip_archive.h"

namespace xlstm {

// The member that says what a torch archive holds, "NAME/data.pkl"; npos where it is none.
std::size_t find_torch_pickle(const ZipArchive& archive);

// The tensors of the archive's state dict: its entry "state_dict", "model", "model_state_dict",
// "module" or "params", the first of these that holds tensors, or the whole dictionary where none
// does. All else, as an optimizer's state, is left alone. config() is "hyper_parameters"
// (Lightning's name), "config" or "model_config". Tensors in any order of axes, and such that share
// a storage, are read as if each were written by itself. Nothing of the file is executed
// (pickle.h). Throws Error: kFile, kFormat; kModel for big-endian numbers, TorchScript programs.
std::unique_ptr<TensorSource> open_torch(std::unique_ptr<ZipArchive> archive);

}  // namespace xlstm
