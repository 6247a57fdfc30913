/**
 * A mesh to begin with, from {@code examples/} of the source tree, which the jar carries.
 *
 * <p>Start reading at {@link io.sluice.cli.init.InitCommand}.
 */
@NullMarked
package io.sluice.cli.init;

import org.jspecify.annotations.NullMarked;
