#include "xlstm/wiring/quantization_recipe.h"

#include <algorithm>

#include "xlstm/base/error.h"
#include "xlstm/wiring/layer_specs.h"

namespace xlstm {
namespace {

// Embedding and head: an error there reaches every token's logits, and they are a small part of a
// large model.
constexpr int kOuterBits = 6;
constexpr int kOuterGroup = 64;

constexpr std::string_view kEmbedding = "embedding", kHead = "head";
constexpr std::string_view kNorms = "norms";  // of all layers; they never are quantised

// The name under which a recipe may exclude a parameter: "qkvo" of "blocks.0.mlstm.qkvo.weight".
std::string_view kind_of(const Layer& layer, const Parameter& parameter) {
  if (is_embedding(layer)) return kEmbedding;
  if (is_head(layer)) return kHead;
  const std::string_view name = std::string_view(parameter.name).substr(layer.name.size() + 1);
  return name.substr(0, name.find('.'));
}

bool is_tied(const Plan& plan, const Layer& layer) {
  return is_embedding(layer) && plan.tied_head();
}

const Quantization& format_wanted_for(const QuantizationRecipe& recipe, const Plan& plan,
                                      const Layer& layer) {
  const bool embedding = is_embedding(layer);
  const bool head = is_head(layer) || is_tied(plan, layer);
  if (head && recipe.head) return *recipe.head;
  if (embedding && recipe.embedding) return *recipe.embedding;
  return (head || embedding) && recipe.outer ? *recipe.outer : recipe.format;
}

bool excludes(const QuantizationRecipe& recipe, std::string_view kind) {
  return std::ranges::count(recipe.exclude, kind) > 0;
}

// What a recipe says of embedding or head alone: "8-bit/64", "kept", or nothing.
std::string choice_for(const QuantizationRecipe& recipe, std::string_view kind,
                       const std::optional<Quantization>& own) {
  if (own) return short_name(*own);
  return excludes(recipe, kind) ? "kept" : "";
}

bool has_kind(const Plan& plan, std::string_view kind) {
  return std::ranges::any_of(plan.layers, [kind](const Layer& layer) {
    return std::ranges::any_of(layer.parameters, [&](const Parameter& parameter) {
      return kind_of(layer, parameter) == kind;
    });
  });
}

bool can_be_quantised(const Parameter& parameter) {
  return !parameter.keep_float32 && parameter.shape.size() == 2;
}

std::optional<Quantization> with_fitting_groups(Quantization format, std::int64_t K) {
  while (K % format.group_size != 0) {
    format.group_size /= 2;
    if (!is_supported(format)) return std::nullopt;
  }
  return format;
}

}  // namespace

std::vector<std::string_view> quantizable_kinds(const Plan& plan) {
  std::vector<std::string_view> out = {kEmbedding, kHead};
  for (const Layer& layer : plan.layers) {
    for (const Parameter& parameter : layer.parameters) {
      const std::string_view kind = kind_of(layer, parameter);
      if (can_be_quantised(parameter) && std::ranges::count(out, kind) == 0) out.push_back(kind);
    }
  }
  return out;
}

std::optional<Quantization> format_for(const QuantizationRecipe& recipe, const Plan& plan,
                                       const Layer& layer, const Parameter& parameter) {
  if (!can_be_quantised(parameter) || parameter.packed) return std::nullopt;
  if (excludes(recipe, kind_of(layer, parameter))) return std::nullopt;
  if (is_tied(plan, layer) && excludes(recipe, kHead)) return std::nullopt;
  const std::int64_t K = parameter.whole_width > 0 ? parameter.whole_width : parameter.shape[1];
  return with_fitting_groups(format_wanted_for(recipe, plan, layer), K);
}

DType scale_type_for(const Quantization& format, DType weights) {
  if (format.mode == QuantizationMode::kMxfp4) return DType::kU8;
  return weights == DType::kF16 ? DType::kF16 : DType::kBF16;
}

QuantizationRecipe default_recipe(const Quantization& format) {
  QuantizationRecipe recipe;
  recipe.format = format;
  if (format.bits >= kOuterBits) return recipe;
  const int group = std::max(format.group_size, kOuterGroup);
  recipe.outer = Quantization{QuantizationMode::kAffine, kOuterBits, group};
  return recipe;
}

void check_recipe(const QuantizationRecipe& recipe, std::string_view where) {
  for (const auto& format :
       {std::optional(recipe.format), recipe.outer, recipe.embedding, recipe.head}) {
    if (!format || is_supported(*format)) continue;
    fail_wanted(ErrorKind::kUsage, where,
                "affine with 2, 3, 4, 5, 6 or 8 bits and groups of 32, 64 or 128, or mxfp4 with 4 "
                "bits and groups of 32",
                to_string(*format));
  }
  const auto check_excluded = [&](std::string_view kind, const std::optional<Quantization>& own) {
    if (!own || !excludes(recipe, kind)) return;
    fail_wanted(ErrorKind::kUsage, where, str("a format for ", kind, " or that it is kept"),
                "both");
  };
  check_excluded(kEmbedding, recipe.embedding);
  check_excluded(kHead, recipe.head);
}

void check_recipe_for(const QuantizationRecipe& recipe, const Plan& plan, std::string_view where) {
  const std::vector<std::string_view> kinds = quantizable_kinds(plan);
  for (const std::string& kind : recipe.exclude) {
    if (std::ranges::count(kinds, kind) > 0 || has_kind(plan, kind) || kind == kNorms) continue;
    std::string known;
    for (const std::string_view each : kinds) known += str(known.empty() ? "" : ", ", each);
    fail_wanted(ErrorKind::kUsage, where, str(known, " to keep as they are"), quoted(kind));
  }
  if (!plan.tied_head()) return;
  const std::string embedding = choice_for(recipe, kEmbedding, recipe.embedding);
  const std::string head = choice_for(recipe, kHead, recipe.head);
  if (embedding.empty() || head.empty() || embedding == head) return;
  fail_wanted(ErrorKind::kUsage, where, "the same of embedding and head, which are one matrix here",
              str("embedding ", embedding, ", head ", head));
}

bool is_quantised(const Plan& plan) {
  return std::ranges::any_of(plan.layers, [](const Layer& layer) {
    return std::ranges::any_of(
        layer.parameters, [](const Parameter& parameter) { return parameter.packed.has_value(); });
  });
}

bool quantizes_anything(const QuantizationRecipe& recipe, const Plan& plan) {
  for (const Layer& layer : plan.layers) {
    for (const Parameter& parameter : layer.parameters) {
      if (format_for(recipe, plan, layer, parameter)) return true;
    }
  }
  return false;
}

}  // namespace xlstm
