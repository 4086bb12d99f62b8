// matrix-js-sdk as this folder uses it: quiet, and loaded once (it is a CommonJS package that insists on that).
import "./answers.mjs";
import "./quiet.mjs";
import sdk from "matrix-js-sdk";

export default sdk;
