/**
 * The rules that hold for the source tree as a whole: who may know whom, how large a file may be,
 * what may not be in the repository.
 *
 * <p>Needs no root and no network. Start reading at {@code ModuleArrowsTest}.
 */
@NullMarked
package io.sluice.architecture;

import org.jspecify.annotations.NullMarked;
