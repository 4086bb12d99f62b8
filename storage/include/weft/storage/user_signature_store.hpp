#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "weft/storage/store_context.hpp"
#include "weft/storage/stream_updates.hpp"

namespace weft::storage {

/// Which users' keys a user has signed with their user-signing key. Stream `user_signature`, row: [signer];
/// only the signer is told. Counts together with `device_lists`.
class UserSignatureStore {
public:
    UserSignatureStore(StoreContext context, StreamState& user_signature);

    /// `signer` has signed keys of `users`. Returns the token. Where the stream is not written here the writer
    /// is asked to do it.
    Task<std::int64_t> add(std::string signer, std::vector<std::string> users);
    /// Whose keys `signer` has signed in (from, to]; sorted. Asks the database only if the change cache
    /// cannot say no.
    Task<std::vector<std::string>> signed_by(std::string signer, std::int64_t from, std::int64_t to);

    using Add = std::function<Task<std::int64_t>(std::string signer, std::vector<std::string> users)>;
    /// Processes that do not write the stream: how the writer is asked for add().
    void set_remote_writer(Add function) { remote_ = std::move(function); }

    Task<StreamUpdates> updates(std::int64_t from, std::int64_t to, std::size_t limit);
    StreamState& stream() { return user_signature_; }

private:
    StoreContext context_;
    StreamState& user_signature_;
    Add remote_;
};

}  // namespace weft::storage
