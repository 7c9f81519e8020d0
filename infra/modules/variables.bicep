metadata name = 'Variables'
metadata description = 'How parameter files read the environment. A variable that a workflow passes on without having it is an empty text.'

@export()
@description('The entries of a list with commas between them; none of an empty one. Spaces around an entry do not belong to it.')
func listOf(text string) string[] => filter(map(split(text, ','), entry => trim(entry)), entry => !empty(entry))

@export()
@description('A text, or null when it is empty.')
func textOf(text string) string? => empty(trim(text)) ? null : trim(text)
