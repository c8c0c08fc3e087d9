#include "player/pace.h"

namespace klieg::player {
namespace {

constexpr double faster = 1.05;
constexpr Duration far_off = 500ms;

}  // namespace

double pace(const Position& position, const PaceLaw& law) {
  const Duration off = position.behind - position.target;
  if (off > replay) return 1;
  if (position.ahead < law.dry) return position.ahead > 0s && off < law.start_off ? slowest : 1;
  if (position.ahead < law.spare) return position.rate < 1 ? slowest : 1;
  if (off < (position.rate < 1 ? -law.settle_off : -law.start_off)) return slowest;  // so that there is more in hand
  if (off > (position.rate > 1 ? law.settle_off : law.start_off)) return off > far_off ? fastest : faster;
  return 1;
}

}  // namespace klieg::player
