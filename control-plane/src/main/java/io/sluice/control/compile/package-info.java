/**
 * From all objects of a registry to the one snapshot that they mean, with a status for each object
 * that could not be used as written.
 *
 * <p>Pure: no clock, no file, no network. Start reading at {@link
 * io.sluice.control.compile.IncrementalCompiler}.
 */
@NullMarked
package io.sluice.control.compile;

import org.jspecify.annotations.NullMarked;
