/**
 * Holds README and documents against the product: commands that can run are run as they stand,
 * others are parsed; links, tests and settings that are named exist.
 *
 * <p>Start reading at {@link io.sluice.readme.ReadmeCommandsTest}.
 */
@NullMarked
package io.sluice.readme;

import org.jspecify.annotations.NullMarked;
