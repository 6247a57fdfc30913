/**
 * What goes with the archive of the container images: a bill of what each image holds (CycloneDX),
 * signatures as cosign makes and stores them, and the check of both. No part of it is in an image.
 *
 * <p>Start reading at {@link io.sluice.images.ImagesCommand}, which {@code images/build} starts.
 */
@NullMarked
package io.sluice.images;

import org.jspecify.annotations.NullMarked;
