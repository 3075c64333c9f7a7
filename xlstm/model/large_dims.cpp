#include "xlstm/model/large_dims.h"

#include "xlstm/wiring/families/xlstm_large/xlstm_large.h"
#include "xlstm/wiring/layer_specs.h"

namespace xlstm {

LargeDims large_dims(const Plan& plan) {
  LargeDims d;
  d.V = plan.V;
  d.D = plan.D;
  d.has_out_norm = false;
  for (const Layer& layer : plan.layers) {
    if (layer.kind == "mlstm") {
      const auto& spec = layer.spec_as<MlstmSpec>();
      ++d.L;
      d.NH = spec.NH;
      d.DHQK = spec.DHQK;
      d.DHV = spec.DHV;
      d.norm_eps = spec.norm_eps;
      d.cell_eps = spec.cell_eps;
      d.gate_soft_cap = spec.gate_soft_cap;
      d.use_bias = plan.find_parameter(layer.name + ".out.bias") != nullptr;
    } else if (layer.kind == "ffn") {
      d.F = layer.spec_as<GatedFfnSpec>().F;
    } else if (layer.kind == "rms_norm") {
      d.has_out_norm = true;
    } else if (layer.kind == "lm_head") {
      const auto& spec = layer.spec_as<VocabularyHeadSpec>();
      d.tied_head = spec.tied;
      d.output_logit_soft_cap = spec.soft_cap;
    } else {
      layer.spec_as<TokenEmbeddingSpec>();
    }
  }
  return d;
}

}  // namespace xlstm
