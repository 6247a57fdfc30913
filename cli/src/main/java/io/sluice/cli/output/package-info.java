/**
 * How commands print: tables for people, JSON for programs, from the same values.
 *
 * <p>Start reading at {@link io.sluice.cli.output.Listing}.
 */
@NullMarked
package io.sluice.cli.output;

import org.jspecify.annotations.NullMarked;
