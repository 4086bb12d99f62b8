#include "weft/handlers/user_directory.hpp"

#include "weft/core/async.hpp"
#include "weft/core/errors.hpp"
#include "weft/core/log.hpp"
#include "weft/proto/event_types.hpp"
#include "weft/proto/replication/rows.hpp"

namespace weft::handlers {
namespace {

constexpr std::size_t kMutualRoomsAtOnce = 100;
/// More words say nothing more about a name.
constexpr std::size_t kWordsMax = 10;
/// The database was away: tried again after a while.
constexpr core::Milliseconds kRetryPause{5'000};

bool is_of_word(char c) {
    const bool ascii_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    return ascii_letter || static_cast<unsigned char>(c) >= 0x80;
}

/// Whether a change of room state may change who can be found.
bool is_about_people(const proto::replication::EventsStateRow& row) {
    return row.type == proto::event_type::kMember || row.type == proto::event_type::kJoinRules ||
           row.type == proto::event_type::kHistoryVisibility;
}

}  // namespace

std::vector<std::string> directory_words(std::string_view text) {
    std::vector<std::string> out;
    std::string word;
    const auto finish = [&] {
        if (!word.empty() && out.size() < kWordsMax) out.push_back(word);
        word.clear();
    };
    for (const char c : text) {
        if (is_of_word(c)) {
            word += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
        } else {
            finish();
        }
    }
    finish();
    return out;
}

UserDirectory::UserDirectory(storage::UserDirectoryStore& store, storage::StreamState& events,
                             const core::Config& config, asio::any_io_executor executor)
    : store_{store},
      events_{events},
      server_name_{config.server_name},
      options_{config.user_directory},
      tasks_{executor} {}

Task<UserDirectory::Found> UserDirectory::search(std::string user_id, std::string term, std::size_t limit) {
    Found out;
    if (!options_.enabled) co_return out;
    storage::UserSearch search{std::move(user_id),          directory_words(term), options_.search_all_users,
                               options_.prefer_local_users, server_name_,          limit};
    out.users = co_await store_.search(std::move(search));
    out.limited = out.users.size() > limit;
    if (out.limited) out.users.resize(limit);
    co_return out;
}

Task<UserDirectory::MutualRooms> UserDirectory::mutual_rooms(std::string user_id, std::string other,
                                                             std::string after) {
    MutualRooms out;
    out.count = co_await store_.count_mutual_rooms(user_id, other);
    out.rooms = co_await store_.mutual_rooms(user_id, other, std::move(after), kMutualRoomsAtOnce + 1);
    if (out.rooms.size() > kMutualRoomsAtOnce) {
        out.rooms.pop_back();
        out.next = out.rooms.back();
    }
    co_return out;
}

void UserDirectory::start() {
    started_ = true;
    events_.on_invalidate([this](std::int64_t token, const storage::StreamRows& rows) {
        for (const auto& json : rows) {
            const auto row = proto::replication::parse_events_row(json);
            const auto* const state = row ? std::get_if<proto::replication::EventsStateRow>(&*row) : nullptr;
            if (state && is_about_people(*state)) changed_at_ = std::max(changed_at_, token);
        }
    });
    // A change is taken in when no writer can come before it any more, which an idle one says without a row.
    events_.on_advanced([this](const std::string&, std::int64_t) {
        if (changed_at_ > followed_to_) wake();
    });
    wake();
}

/// One follower at a time: it looks again for what came while it was busy.
void UserDirectory::wake() {
    if (!started_ || following_ || events_.writer_positions().min() <= followed_to_) return;
    following_ = true;
    tasks_.spawn("follow_user_directory", [this] { return follow(); });
}

Task<void> UserDirectory::follow() {
    for (;;) {
        const auto upto = events_.writer_positions().min();
        bool failed = false;
        try {
            while (co_await store_.follow(upto)) continue;
        } catch (const core::StoreError& error) {
            core::log_warning("user_directory", "cannot follow the rooms: {}", error.what());
            failed = true;
        }
        if (failed) {
            co_await core::sleep_for(kRetryPause);
            continue;
        }
        followed_to_ = upto;
        if (changed_at_ <= upto || events_.writer_positions().min() == upto) break;
    }
    following_ = false;
}

Task<void> UserDirectory::stop() {
    started_ = false;
    co_await tasks_.stop();
}

}  // namespace weft::handlers
