#include "xlstm/apps/forecast_embedding.h"

#include "xlstm/apps/forecast_writers.h"
#include "xlstm/base/json.h"
#include "xlstm/base/numbers.h"

namespace xlstm::apps {

Json embedding_json(const TimedSeries& series, std::size_t target,
                    const SeriesEmbedding& embedding) {
  Json tokens = Json::array();
  auto value = embedding.values.begin();
  for (std::int64_t t = 0; t < embedding.tokens; ++t) {
    Json& layers = tokens.emplace_back(Json::array());
    for (std::int64_t l = 0; l < embedding.layers; ++l) {
      Json& row = layers.emplace_back(Json::array());
      for (std::int64_t d = 0; d < embedding.width; ++d) row.push_back(shortest_double(*value++));
    }
  }
  Json out = Json::object();
  if (!series.id.empty()) out["id"] = series.id;
  const std::string name = target_name(series, target);
  if (!name.empty()) out["target"] = name;
  out["embedding"] = std::move(tokens);
  return out;
}

}  // namespace xlstm::apps
