/** Tests of the mesh to begin with. */
@NullMarked
package io.sluice.cli.init;

import org.jspecify.annotations.NullMarked;
