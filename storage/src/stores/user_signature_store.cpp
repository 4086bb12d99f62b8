#include "weft/storage/user_signature_store.hpp"

#include <set>

#include "stores/store_support.hpp"
#include "weft/proto/json.hpp"
#include "weft/proto/replication/rows.hpp"

namespace weft::storage {

using proto::replication::UserSignatureRow;

namespace {

constexpr Sql kInsert{"insert_user_signature_change", R"sql(
    INSERT INTO user_signature_stream (stream_id, from_user_id, user_ids) VALUES ($1, $2, $3))sql"};

constexpr Sql kSignedBy{"users_signed_by", R"sql(
    SELECT user_ids FROM user_signature_stream WHERE from_user_id = $1 AND stream_id > $2 AND stream_id <= $3)sql"};

constexpr Sql kUpdates{"user_signature_updates", R"sql(
    SELECT stream_id, from_user_id FROM user_signature_stream WHERE stream_id > $1 AND stream_id <= $2
    ORDER BY stream_id FETCH FIRST $3 ROWS WITH TIES)sql"};

}  // namespace

UserSignatureStore::UserSignatureStore(StoreContext context, StreamState& user_signature)
    : context_{std::move(context)}, user_signature_{user_signature} {
    user_signature_.on_invalidate([&stream = user_signature_](std::int64_t token, const StreamRows& rows) {
        for (const auto& json : rows) {
            if (const auto row = UserSignatureRow::parse(json))
                stream.changes().entity_changed(row->user_id, token);
        }
    });
}

Task<std::int64_t> UserSignatureStore::add(std::string signer, std::vector<std::string> users) {
    if (remote_) co_return co_await remote_(std::move(signer), std::move(users));
    boost::json::array user_ids;
    for (auto& user : users) user_ids.emplace_back(user);
    auto id = user_signature_.allocate();
    const auto token = id.first();
    co_await context_.db.query(kInsert, token, signer, proto::to_json(user_ids));
    user_signature_.publish(std::move(id), {{token, UserSignatureRow{signer}.to_json()}});
    co_return token;
}

Task<std::vector<std::string>> UserSignatureStore::signed_by(std::string signer, std::int64_t from,
                                                             std::int64_t to) {
    if (from >= to || !user_signature_.changes().has_changed(signer, from))
        co_return std::vector<std::string>{};
    std::set<std::string> users;
    for (const auto row : co_await context_.db.query(kSignedBy, signer, from, to)) {
        const auto parsed = proto::parse_json(row[0].view());
        const auto* const array = parsed ? parsed->if_array() : nullptr;
        if (array == nullptr) continue;
        for (const auto& user : *array) {
            if (user.is_string()) users.emplace(user.get_string());
        }
    }
    co_return std::vector<std::string>(users.begin(), users.end());
}

Task<StreamUpdates> UserSignatureStore::updates(std::int64_t from, std::int64_t to, std::size_t limit) {
    const auto rows = co_await context_.db.query(kUpdates, from, to, limit);
    co_return make_updates(rows, to, limit,
                           [](const Rows::Row& row) { return UserSignatureRow{row[1].str()}.to_json(); });
}

}  // namespace weft::storage
