/**
 * Whether manifests can be used, before anybody uses them: by the same readers and the same
 * compiler, and strictly where a running mesh is lenient, about fields that nobody reads.
 *
 * <p>Pure: no clock, no file, no network. Start reading at {@link
 * io.sluice.control.validate.Validation}.
 */
@NullMarked
package io.sluice.control.validate;

import org.jspecify.annotations.NullMarked;
