/** Tests of what a witness makes of frames, which are made by hand here. */
@NullMarked
package io.sluice.lab.capture;

import org.jspecify.annotations.NullMarked;
