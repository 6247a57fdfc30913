/**
 * The pages below {@code docs/reference}, made from the declarations of the code, and a test that
 * fails when a page is not what it would be made into now.
 *
 * <p>Start reading at {@link io.sluice.reference.ReferencePagesTest}.
 */
@NullMarked
package io.sluice.reference;

import org.jspecify.annotations.NullMarked;
