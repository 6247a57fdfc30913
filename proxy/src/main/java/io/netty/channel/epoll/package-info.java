/**
 * One class of ours inside Netty's package, because what it needs of the epoll transport is
 * package-private. Owns no channel; must stay this small, and is read again at every Netty upgrade.
 */
@NullMarked
package io.netty.channel.epoll;

import org.jspecify.annotations.NullMarked;
