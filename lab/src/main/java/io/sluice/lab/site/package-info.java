/**
 * What kernel tests, measurements and the demo stand on: namespaces as pods on a bridge of their
 * own, a registry folder, a real daemon in a child process, and applications inside the pods.
 *
 * <p>Nothing here touches the network of the machine; everything is removed on close. Start reading
 * at {@link io.sluice.lab.site.Site}.
 */
@NullMarked
package io.sluice.lab.site;

import org.jspecify.annotations.NullMarked;
