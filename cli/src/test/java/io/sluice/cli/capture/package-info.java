/** Tests of what a witness makes of frames, which are made by hand here. */
@NullMarked
package io.sluice.cli.capture;

import org.jspecify.annotations.NullMarked;
