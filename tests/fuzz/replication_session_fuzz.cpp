// Any bytes as the lines of a peer, at both ends of a connection: never a crash, and silence after a close.
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "weft/replication/session.hpp"

using namespace weft::replication;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    for (const auto role : {SessionRole::kServer, SessionRole::kClient}) {
        Session::Options options;
        options.role = role;
        options.server_name = "example.com";
        options.instance_name = "worker";
        Session session{options};
        session.on_open(0, 0);
        std::string_view rest{reinterpret_cast<const char*>(data), size};
        std::int64_t now = 0;
        bool closed = false;
        while (!rest.empty()) {
            const auto end = rest.find('\n');
            const auto actions = session.on_line(rest.substr(0, end), now++);
            if (closed && !actions.empty()) std::abort();
            for (const auto& action : actions)
                closed = closed || std::holds_alternative<CloseSession>(action);
            rest = end == rest.npos ? std::string_view{} : rest.substr(end + 1);
        }
        if (closed != session.closing()) std::abort();
        session.on_tick(now + 60'000, 0);
    }
    return 0;
}
