#include "weft/replication/stream.hpp"

#include <algorithm>
#include <stdexcept>

namespace weft::replication {

Stream::Stream(std::string name, std::vector<std::string> writers, StreamBindings bindings)
    : Stream{std::move(name), std::move(writers), std::move(bindings), Options{}} {}

Stream::Stream(std::string name, std::vector<std::string> writers, StreamBindings bindings, Options options)
    : name_{std::move(name)},
      writers_{std::move(writers)},
      bindings_{std::move(bindings)},
      options_{options} {
    if (!bindings_.current_token || !bindings_.updates || !bindings_.apply || !bindings_.advance) {
        throw std::invalid_argument{"stream " + name_ + " is not bound to anything"};
    }
    if (const auto* info = proto::replication::find_stream(name_)) source_ = info->source;
}

bool Stream::has_writer(const std::string& instance) const {
    return std::find(writers_.begin(), writers_.end(), instance) != writers_.end();
}

}  // namespace weft::replication
