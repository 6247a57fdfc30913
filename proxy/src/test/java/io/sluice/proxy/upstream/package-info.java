/** Tests of single steps of the way up; the whole of it is tested in {@code accept}. */
@NullMarked
package io.sluice.proxy.upstream;

import org.jspecify.annotations.NullMarked;
