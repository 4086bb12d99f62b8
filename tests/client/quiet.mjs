// The SDK binds its logging functions while it loads, so this module comes before it.
// WEFT_SDK_LOG=debug (or info, warn, error) shows what the SDK has to say.
import { logger } from "matrix-js-sdk/lib/logger.js";

logger.setLevel(process.env.WEFT_SDK_LOG ?? "silent", false);
