#pragma once

#include <cstdint>
#include <list>
#include <string>
#include <unordered_map>

namespace weft::handlers {

/// Which membership events each device was sent already, so that lazily loaded members are not repeated. An answer may be
/// lost on its way, so a device only has what came with an answer whose token it has shown since. Bounded; what is forgotten
/// is merely sent again.
class LazyMembers {
public:
    /// A device's request: it shows the token of an answer it has, and gets one with the token `next` (both in the events
    /// stream).
    struct Exchange {
        std::string device;
        std::int64_t shown = 0;
        std::int64_t next = 0;
    };

    /// True if the device does not have the event yet; it is on its way from now on.
    bool take(const Exchange& exchange, const std::string& room_and_user, const std::string& event_id) {
        auto& sent = touch(exchange.device);
        if (sent.size() >= kMembersPerDevice) sent.clear();
        auto& known = sent[room_and_user];
        if (known.event_id == event_id && known.token <= exchange.shown) return false;
        known = {event_id, exchange.next};
        return true;
    }
    /// The device starts anew: it has nothing.
    void reset(const std::string& device) { touch(device).clear(); }

private:
    static constexpr std::size_t kDevicesMax = 20'000;
    static constexpr std::size_t kMembersPerDevice = 2'000;
    struct Sent {
        std::string event_id;
        std::int64_t token = 0;
    };
    using SentByMember = std::unordered_map<std::string, Sent>;
    struct Device {
        SentByMember sent;
        std::list<std::string>::iterator place;
    };

    SentByMember& touch(const std::string& device) {
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
