// Asio's own code, compiled once for the whole program. The order of the two matters.
// clang-format off
#include "net/reactor.h"
#include <boost/asio/impl/src.hpp>
// clang-format on
