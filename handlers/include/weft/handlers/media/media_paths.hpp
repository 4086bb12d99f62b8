#pragma once

#include <string>
#include <string_view>

#include "weft/storage/media_store.hpp"

namespace weft::handlers {

/// May this name a medium? Letters, digits, `_` and `-` only ("Security considerations" of the content
/// repository).
bool is_media_id(std::string_view text);

/// Where a medium's content is below media_store_path: the layout of Synapse, so that its directory can be
/// adopted. Throws M_NOT_FOUND for what cannot be a file's name.
std::string media_path(const storage::Media& media);
std::string thumbnail_path(const storage::Media& media, const storage::Thumbnail& thumbnail);

}  // namespace weft::handlers
