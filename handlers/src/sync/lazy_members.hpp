#pragma once

#include <list>
#include <string>
#include <unordered_map>

namespace weft::handlers {

/// Which membership events each device was sent already, so that lazily loaded members are not repeated. Bounded; what is
/// forgotten is merely sent again.
class LazyMembers {
public:
    /// True if the device does not have the event yet; it has it from now on.
    bool take(const std::string& device, const std::string& room_and_user, const std::string& event_id) {
        auto& sent = touch(device);
        if (sent.size() >= kMembersPerDevice) sent.clear();
        auto& known = sent[room_and_user];
        if (known == event_id) return false;
        known = event_id;
        return true;
    }
    /// The device starts anew: it has nothing.
    void reset(const std::string& device) { touch(device).clear(); }

private:
    static constexpr std::size_t kDevicesMax = 20'000;
    static constexpr std::size_t kMembersPerDevice = 2'000;
    using Sent = std::unordered_map<std::string, std::string>;
    struct Device {
        Sent sent;
        std::list<std::string>::iterator place;
    };

    Sent& touch(const std::string& device) {
        if (const auto found = devices_.find(device); found != devices_.end()) {
            order_.splice(order_.begin(), order_, found->second.place);
            return found->second.sent;
        }
        if (devices_.size() >= kDevicesMax) {
            devices_.erase(order_.back());
            order_.pop_back();
        }
        order_.push_front(device);
        return devices_.emplace(device, Device{{}, order_.begin()}).first->second.sent;
    }

    std::unordered_map<std::string, Device> devices_;
    std::list<std::string> order_;
};

}  // namespace weft::handlers
