#include "weft/handlers/accounts/client_ips.hpp"

#include <functional>
#include <utility>

#include "weft/core/async.hpp"
#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/proto/json.hpp"

namespace weft::handlers {
namespace {

constexpr std::size_t kUserAgentBytesMax = 1024;

}  // namespace

ClientIps::ClientIps(storage::ClientIpStore& store, const core::Clock& clock, asio::any_io_executor executor)
    : store_{store}, clock_{clock}, background_{std::move(executor)} {}

void ClientIps::record(storage::ClientIp seen) {
    if (waiting_.size() >= kWaitingMax) return;
    // Header bytes of a client, not always text; one such row would fail the whole batch.
    if (!proto::is_valid_utf8(seen.user_agent)) seen.user_agent.clear();
    seen.user_agent = proto::truncate_utf8(seen.user_agent, kUserAgentBytesMax);
    if (!throttle_.admit(seen.user_id, seen.access_token, seen.ip, clock_.now_ms())) return;
    waiting_.push_back(std::move(seen));
}

void ClientIps::start() {
    background_.spawn("update_client_ips", std::bind_front(&ClientIps::flush_for_ever, this));
}

Task<void> ClientIps::flush_for_ever() {
    for (;;) {
        co_await core::sleep_for(core::Milliseconds{kFlushIntervalMs});
        co_await flush();
    }
}

Task<void> ClientIps::flush() {
    if (waiting_.empty()) co_return;
    auto batch = std::exchange(waiting_, {});
    try {
        co_await store_.store(std::move(batch));
    } catch (const core::StoreError& error) {
        core::log_warning("accounts", "where users were seen in the last seconds is lost: {}", error.what());
    }
}

Task<void> ClientIps::stop() {
    co_await background_.stop();
    co_await flush();
}

}  // namespace weft::handlers
