output "friends_url" {
  description = "friend_primary for a peer that is added by hand."
  value       = "http://${local.friends_name}:8001"
}

output "peers" {
  description = "Private address of each peer, by its name."
  value       = { for instance in aws_instance.peer : instance.tags.Name => instance.private_ip }
}

output "security_group_id" {
  description = "A host in this group is let in by the peers."
  value       = aws_security_group.peer.id
}
