#include "xlstm/wiring/recipe.h"

#include <algorithm>

#include "xlstm/base/error.h"

namespace xlstm {
namespace {

// Embedding and head: an error there reaches every token's logits, and they are a small part of a
// large model.
constexpr int kOuterBits = 6;
constexpr int kOuterGroup = 64;

std::string_view kind_of(const Node& node, const Slot& slot) {
  if (node.kind == NodeKind::kEmbedding) return "embedding";
  if (node.kind == NodeKind::kLmHead) return "head";
  std::string_view name = std::string_view(slot.name).substr(node.name.size() + 1);
  return name.substr(0, name.find('.'));  // "qkvo" of "qkvo.weight"
}

bool is_tied(const Plan& plan, const Node& node) {
  return node.kind == NodeKind::kEmbedding && plan.dims.tied_head;
}

const Quantization& wanted_for(const Recipe& recipe, const Plan& plan, const Node& node) {
  const bool embedding = node.kind == NodeKind::kEmbedding;
  const bool head = node.kind == NodeKind::kLmHead || is_tied(plan, node);
  if (head && recipe.head) return *recipe.head;
  if (embedding && recipe.embedding) return *recipe.embedding;
  return (head || embedding) && recipe.outer ? *recipe.outer : recipe.format;
}

bool keeps(const Recipe& recipe, std::string_view kind) {
  return std::ranges::count(recipe.keep, kind) > 0;
}

// What a recipe says of embedding or head alone: "8-bit/64", "kept", or nothing.
std::string said_of(const Recipe& recipe, std::string_view kind,
                    const std::optional<Quantization>& own) {
  if (own) return short_name(*own);
  return keeps(recipe, kind) ? "kept" : "";
}

std::optional<Quantization> fitting(Quantization format, std::int64_t K) {
  while (K % format.group_size != 0) {
    format.group_size /= 2;
    if (!is_supported(format)) return std::nullopt;
  }
  return format;
}

}  // namespace

const std::vector<std::string_view>& kinds_to_keep() {
  static const std::vector<std::string_view> kinds = {"embedding", "head", "qkvo",  "out",
                                                      "up",        "down", "gates", "norms"};
  return kinds;
}

std::optional<Quantization> format_for(const Recipe& recipe, const Plan& plan, const Node& node,
                                       const Slot& slot) {
  if (slot.keep_float32 || slot.packed || slot.shape.size() != 2) return std::nullopt;
  if (keeps(recipe, kind_of(node, slot))) return std::nullopt;
  if (is_tied(plan, node) && keeps(recipe, "head")) return std::nullopt;
  return fitting(wanted_for(recipe, plan, node), slot.shape[1]);
}

DType scale_type_for(const Quantization& format, DType weights) {
  if (format.mode == QuantizationMode::kMxfp4) return DType::kU8;
  return weights == DType::kF16 ? DType::kF16 : DType::kBF16;
}

Recipe default_recipe(const Quantization& format) {
  Recipe recipe;
  recipe.format = format;
  if (format.bits >= kOuterBits) return recipe;
  const int group = std::max(format.group_size, kOuterGroup);
  recipe.outer = Quantization{QuantizationMode::kAffine, kOuterBits, group};
  return recipe;
}

void check_recipe(const Recipe& recipe, std::string_view where) {
  for (const auto& format :
       {std::optional(recipe.format), recipe.outer, recipe.embedding, recipe.head}) {
    if (!format || is_supported(*format)) continue;
    fail_wanted(ErrorKind::kUsage, where,
                "affine with 2, 3, 4, 5, 6 or 8 bits and groups of 32, 64 or 128, or mxfp4 with 4 "
                "bits and groups of 32",
                to_string(*format));
  }
  for (const std::string& kind : recipe.keep) {
    if (std::ranges::count(kinds_to_keep(), kind) > 0) continue;
    std::string known;
    for (const std::string_view each : kinds_to_keep())
      known += str(known.empty() ? "" : ", ", each);
    fail_wanted(ErrorKind::kUsage, where, known, quoted(kind));
  }
  const auto check_kept = [&](std::string_view kind, const std::optional<Quantization>& own) {
    if (!own || !keeps(recipe, kind)) return;
    fail_wanted(ErrorKind::kUsage, where, str("a format for ", kind, " or that it is kept"),
                "both");
  };
  check_kept("embedding", recipe.embedding);
  check_kept("head", recipe.head);
}

void check_recipe_for(const Recipe& recipe, const Plan& plan, std::string_view where) {
  if (!plan.dims.tied_head) return;
  const std::string embedding = said_of(recipe, "embedding", recipe.embedding);
  const std::string head = said_of(recipe, "head", recipe.head);
  if (embedding.empty() || head.empty() || embedding == head) return;
  fail_wanted(ErrorKind::kUsage, where, "the same of embedding and head, which are one matrix here",
              str("embedding ", embedding, ", head ", head));
}

bool is_quantised(const Plan& plan) {
  return std::ranges::any_of(plan.nodes, [](const Node& node) {
    return std::ranges::any_of(node.slots,
                               [](const Slot& slot) { return slot.packed.has_value(); });
  });
}

bool changes_anything(const Recipe& recipe, const Plan& plan) {
  for (const Node& node : plan.nodes) {
    for (const Slot& slot : node.slots) {
      if (format_for(recipe, plan, node, slot)) return true;
    }
  }
  return false;
}

}  // namespace xlstm
