/**
 * Holds the README against the product: every command in it is run as it stands.
 *
 * <p>Start reading at {@link io.sluice.readme.ReadmeCommandsTest}.
 */
@NullMarked
package io.sluice.readme;

import org.jspecify.annotations.NullMarked;
