/**
 * The product as a cluster runs it: images, started by a real container engine from the pods that
 * the chart describes. Needs root. Starts to read at {@link io.sluice.containers.InstalledSite};
 * must not know what is inside an image.
 */
@NullMarked
package io.sluice.containers;

import org.jspecify.annotations.NullMarked;
